# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Moves a distribution to another directory, after its disk has been copied there and compared. JSON in: program (wsl.exe), name, directory, folder (that of
# our scheduled tasks). JSON out: changed. The old disk goes by WSL's own hand, and the copy stays until the distribution has started from the new place: WSL
# has been seen to move the disk and to fail afterwards, so that its own entry still named the old place (microsoft/WSL issue 40716).
[CmdletBinding(SupportsShouldProcess)]
param (
    [Parameter(Mandatory)] [string] $Wanted
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$env:WSL_UTF8 = '1'
$wish = $Wanted | ConvertFrom-Json

function Invoke-Native {
    # Windows PowerShell makes an error of each line that a program writes to its standard error, a warning of wsl.exe as well, and would end here
    # (PowerShell/PowerShell issue 3996). Whether a program has failed says how it ended.
    param ([scriptblock] $Call)
    $ErrorActionPreference = 'Continue'
    & $Call
}

function Get-Registration {
    foreach ($key in Get-ChildItem -LiteralPath 'HKCU:\Software\Microsoft\Windows\CurrentVersion\Lxss' -ErrorAction SilentlyContinue) {
        # Not each key is a distribution: AppxInstallerCache is empty, which comes back as nothing.
        $entry = Get-ItemProperty -LiteralPath $key.PSPath
        if ($null -ne $entry -and $entry.PSObject.Properties['DistributionName'] -and $entry.DistributionName -eq $wish.name) { return $entry }
    }
    return $null
}

$before = Get-Registration
if ($null -eq $before) { throw "There is no distribution $($wish.name)." }
$old = ([string] $before.BasePath).Replace('\\?\', '')
$file = if ($before.PSObject.Properties['VhdFileName']) { [string] $before.VhdFileName } else { 'ext4.vhdx' }
$disk = Join-Path -Path $old -ChildPath $file
$copy = "$($wish.directory).before-the-move.vhdx"
$changed = $old -ne $wish.directory
if ($changed -and $PSCmdlet.ShouldProcess($wish.name, "Move the distribution from $old to $($wish.directory)")) {
    # Ours would start it again while its disk is copied.
    $tasks = @(Get-ScheduledTask -TaskPath $wish.folder -ErrorAction SilentlyContinue | Where-Object -FilterScript { [string] $_.State -ne 'Disabled' })
    foreach ($task in $tasks) { $null = Disable-ScheduledTask -InputObject $task }
    try {
        $null = Invoke-Native { & $wish.program --terminate $wish.name }
        # The disk is let go a moment after the distribution has ended.
        for ($turn = 0; $turn -lt 60; $turn++) {
            try {
                [System.IO.File]::Open($disk, 'Open', 'Read', 'None').Dispose()
                break
            }
            catch [System.IO.IOException] {
                if ($turn -eq 59) { throw "$disk is still in use a minute after $($wish.name) was stopped. Nothing was changed." }
                Start-Sleep -Seconds 1
            }
        }
        Copy-Item -LiteralPath $disk -Destination $copy
        if ((Get-FileHash -LiteralPath $disk).Hash -ne (Get-FileHash -LiteralPath $copy).Hash) {
            Remove-Item -LiteralPath $copy
            throw "The copy of $disk at $copy is not what was copied: look at that drive. Nothing was changed."
        }
        $said = Invoke-Native { & $wish.program --manage $wish.name --move $wish.directory }
        $ended = $LASTEXITCODE
        $now = ([string] (Get-Registration).BasePath).Replace('\\?\', '')
        if ($ended -ne 0 -or $now -ne $wish.directory) {
            # Back to where WSL says that it is.
            if ($now -eq $old -and -not (Test-Path -LiteralPath $disk)) {
                $null = New-Item -ItemType Directory -Path $old -Force
                Copy-Item -LiteralPath $copy -Destination $disk
            }
            $words = ($said -join ' ').Replace([string] [char] 0, '')
            throw "WSL did not move $($wish.name) (it ended with $ended): $words It is at $now as before; a whole copy of its disk is $copy."
        }
        $null = Invoke-Native { & $wish.program --distribution $wish.name --user root --exec true }
        if ($LASTEXITCODE -ne 0) {
            throw "$($wish.name) does not start from $now (wsl.exe ended with $LASTEXITCODE). A whole copy of its disk is $copy."
        }
        Remove-Item -LiteralPath $copy
    }
    finally {
        foreach ($task in $tasks) { $null = Enable-ScheduledTask -InputObject $task }
    }
}
ConvertTo-Json -Compress -InputObject @{ changed = $changed }
